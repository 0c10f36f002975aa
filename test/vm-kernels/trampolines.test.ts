/** Functions' models against what Debian's kernels say when programs are loaded and attached; see scripts/test-vm.mjs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { KIND_FUNC } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindOf, typeCount } from "../../lib/btf/view.ts";
import { type FunctionModel, functionModel, type ObstacleCode } from "../../lib/core/function-model.ts";
import { trampolineRules } from "../../lib/core/trampoline-rules.ts";
import { askBootedKernel, ENOTSUPP, type TrampolineAnswer } from "../oracle/trampoline.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const packages = readdirSync(kernels).filter((name) => /(amd64|x86_64)\.deb$/.test(name));
const ARCHITECTURE = "x86_64";
const MINUTES = 400_000;
const EINVAL = 22;
/** Every function that has something in its way is asked about, and every one in so many of the others. */
const ONE_IN = 50;
/** Of those that load, and cannot be attached; each takes a while. */
const ATTACHED = 30;
const ATTACHABLE = ["vfs_read", "vfs_write", "do_filp_open", "vfs_fsync_range"];

/** What the verifier says where it refuses for a reason of the model's. */
const SAID: Readonly<Partial<Record<ObstacleCode, RegExp>>> = {
  "too-many-arguments": /^The function .* has \d+ arguments\. Too many\.$/,
  "return-type": /^The function .* return type \w+ is unsupported\.$/,
  variadic: /^The function .* with variable args is unsupported\.$/,
  "void-argument": /^The function .* has malformed void argument\.$/,
  "argument-type": /^The function .* arg\d+ type \w+ is unsupported\.$/,
  "argument-size": /^The function .* arg\d+ type \w+ is unsupported\.$/,
};
/** Refused for what no BTF says: a function that has no address any more, or one on the kernel's own list. */
const NOT_IN_BTF =
  /^(The address of function .* cannot be found|Attaching tracing programs to function .* rejected.*|processed 0 insns .*|)$/;
const ON_THE_LIST = /^(migrate_(dis|en)able|__?rcu_read_(un)?lock\w*|preempt_count_(add|sub)|__bpf_tramp_\w+)$/;

/** What is wrong with an answer; null where it is as predicted. */
function wrong({ name, obstacles }: FunctionModel, { load, attach, log }: TrampolineAnswer): string | null {
  const code = obstacles[0]?.code;
  const said = code === undefined ? undefined : SAID[code];
  const answer = `${name} (${code ?? "possible"}): load ${load}, attach ${attach}: ${log}`;
  if (said !== undefined) return load === EINVAL && said.test(log) ? null : answer;
  if (load !== 0) return NOT_IN_BTF.test(log) && (ON_THE_LIST.test(name) || log.includes("address of")) ? null : answer;
  if (code === "too-many-words" && attach !== -1 && attach !== ENOTSUPP) return answer;
  if (ATTACHABLE.includes(name) && attach !== 0) return answer;
  return null;
}

describe("functionModel", () => {
  it("has kernels to ask, of different rules", () => {
    const rules = packages.map((name) => trampolineRules(/\d+\.\d+\.\d+/.exec(name)?.[0] ?? "")?.since);
    expect(new Set(rules).size).toBeGreaterThanOrEqual(3);
  });

  it.each(packages)(
    "predicts what %s takes",
    async (name) => {
      const { image, btf: bytes, release } = await bootImageOf(readFileSync(join(kernels, name)), name);
      const btf = parseBtf(bytes);
      const rules = trampolineRules(release ?? "");
      if (rules === undefined) throw new Error(`no rules of ${release}`);
      const models: FunctionModel[] = [];
      let toAttach = ATTACHED;
      for (let id = 1, other = 0; id < typeCount(btf); id++) {
        if (kindOf(btf, id) !== KIND_FUNC) continue;
        const model = functionModel(btf, id, { rules, architecture: ARCHITECTURE });
        if (model === undefined) continue;
        const isWanted = model.obstacles.length > 0 || other++ % ONE_IN === 0 || ATTACHABLE.includes(nameOf(btf, id));
        if (isWanted) models.push(model);
      }
      const answers = askBootedKernel(
        image,
        models.map(({ typeId, name: own, obstacles }) => ({
          typeId,
          attach: ATTACHABLE.includes(own) || (obstacles[0]?.code === "too-many-words" && toAttach-- > 0),
        })),
      );
      const faults = models.flatMap((model, i) => wrong(model, answers[i] as TrampolineAnswer) ?? []);
      expect(faults).toEqual([]);
      const refused = answers.filter(({ load }) => load === EINVAL).length;
      const attached = answers.filter(({ attach }) => attach === 0).length;
      expect({ refused: refused > 150, attached: attached >= ATTACHABLE.length - 1 }).toEqual({
        refused: true,
        attached: true,
      });
      process.stdout.write(
        `${release}: ${models.length} asked, ${refused} refused as predicted, ${attached} attached\n`,
      );
    },
    MINUTES,
  );
});
