import { readFileSync } from "node:fs";
import { type CompatObject, type KernelOutcome, STATUS_LETTERS } from "../../../corpus/compat/assess.ts";
import type { CompatMatrix, Unreadable } from "../../../corpus/compat/matrix.ts";
import { matrixBuilder } from "../../../corpus/compat/matrix.ts";
import type { DescribedStatus } from "../../../lib/core/describe.ts";
import { parseBpfObject } from "../../../lib/core/object.ts";

const EXEC = readFileSync(new URL("../../fixtures/objects/exec.o", import.meta.url));

/** exec.o under other names: real relocations, to which tests give outcomes of their own. */
export function sceneObjects(names: readonly string[]): CompatObject[] {
  return names.map((name) => ({ object: parseBpfObject(EXEC, name), tag: null }));
}

/** A target that is not there: the program or section, the kind and the name. */
export type SceneTarget = readonly [user: string, kind: "tp_btf" | "kfunc", name: string];

/**
 * What a kernel makes of each object: skipped, or the statuses of some relocations, with why, the rest resolved, and the
 * targets that are not there.
 */
export type SceneCell =
  | { readonly skipped: string }
  | (Readonly<Record<number, readonly [DescribedStatus, string]>> & { readonly lacks?: readonly SceneTarget[] });

/** A kernel, `ID/VERSION_ID/ARCH/RELEASE`, and a cell for each object. */
export type SceneKernel = readonly [key: string, ...cells: SceneCell[]];

/** A kernel's outcome as a worker hands it over. */
export function sceneOutcome([key, ...cells]: SceneKernel, objects: readonly CompatObject[]): KernelOutcome {
  const [id = null, versionId = null, arch = null, release = null] = key.split("/");
  return {
    identity: { id, versionId, arch, release },
    origin: `${key}.btf.tar.xz`,
    objects: objects.map(({ object }, i) => {
      const cell = cells[i] ?? {};
      if ("skipped" in cell) return { skipped: cell.skipped };
      const { lacks = [], ...relocations } = cell;
      const given = Object.entries(relocations);
      const letters = object.relocations.map(
        (_, at) => STATUS_LETTERS[given.find(([n]) => +n === at)?.[1][0] ?? "resolved"],
      );
      const findings = given.map(([at, [, reason]]) => ({ relocation: Number(at), reason }));
      const lacked = lacks.map(([user, kind, name]) => ({ user, kind, name, reason: `there is no ${name}` }));
      return { skipped: null, statuses: letters.join(""), findings, lacked };
    }),
  };
}

/** A matrix of such kernels. */
export function sceneMatrix(
  names: readonly string[],
  kernels: readonly SceneKernel[],
  { byProgram = false, unreadable = [] }: { byProgram?: boolean; unreadable?: readonly Unreadable[] } = {},
): CompatMatrix {
  const objects = sceneObjects(names);
  const builder = matrixBuilder(objects, "libbpf", byProgram);
  for (const kernel of kernels) builder.add(sceneOutcome(kernel, objects));
  return builder.finish(unreadable);
}
