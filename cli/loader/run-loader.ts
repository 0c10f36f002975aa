import type { CreatedObject, LoaderLine } from "../../checker/loader-protocol.ts";
import { HOST_LITTLE_ENDIAN } from "../../checker/native.ts";
import type { Loader, LoaderStep, SignatureScheme } from "../../lib/loader/loader.ts";
import { versionCode } from "../../lib/loader/settings.ts";
import { errnoName } from "../../lib/verify/errno.ts";
import { InputError, UsageError } from "../errors.ts";
import { nameOfInput, readInput } from "../inputs/input.ts";
import { checkStandardInput } from "../inputs/target-input.ts";
import { decodeLoader } from "./file.ts";
import { type RunnerQuestion, type RunnerTask, runnerOnHost } from "./runner-process.ts";

/** What to run, and where. */
interface RunRequest {
  readonly files: readonly string[];
  readonly kernel: string | undefined;
  /** A certificate for the session's keyring. */
  readonly cert: string | undefined;
  readonly logLevel: number | undefined;
  readonly timeout: number | undefined;
}

/** The document of `btfgen run-loader --json`; docs/FORMATS.md has it in words. */
export interface RunLoaderReport {
  /** `uname -r` and Node's name of the architecture. */
  readonly kernel: string;
  readonly arch: string;
  readonly loaders: readonly RanLoader[];
}

/** What became of one file. */
export interface RanLoader {
  readonly file: string;
  readonly object: string;
  /** Why it could not be run; null where it could. */
  readonly cannot: string | null;
  /** What failed; null where all went well. */
  readonly failed: RunFailure | null;
  /** Empty where it failed: then nothing is left of them. */
  readonly maps: readonly (Omit<CreatedObject, "kind" | "tag" | "verifiedInstructions"> & { readonly full: string })[];
  readonly programs: readonly (Pick<CreatedObject, "id" | "type" | "name" | "tag" | "verifiedInstructions"> & {
    readonly full: string;
  })[];
  /** The verifier's, by step, of what failed or of each program; step 0 is the loader program itself. */
  readonly logs: readonly { readonly step: number; readonly name: string; readonly text: string }[];
}

/** A step of the loader, or what is done before its first one. */
export interface RunFailure {
  readonly stage: string;
  /** From 1; 0 for none of the loader's own. */
  readonly step: number;
  readonly action: LoaderStep["action"] | null;
  readonly name: string | null;
  /** The first program that wants what is looked up; null for any other step. */
  readonly wantedBy: string | null;
  readonly errno: number;
  readonly errnoName: string;
}

const DEFAULT_SECONDS = 60;
const MOST_SECONDS = 86_400;
/** Bits of the verifier's log level: instructions, all states, statistics. */
const MOST_LEVEL = 7;
const FIRST_RELEASE = 0x050e00;
const SIGNED_RELEASE = 0x061200;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const ENOKEY = 126;
const EKEYREJECTED = 129;
const E2BIG = 7;

/** Runs loader files. Throws UsageError, InputError, RunError or CouldNotRunError. */
export async function runLoaderFiles(request: RunRequest): Promise<RunLoaderReport> {
  const { files, kernel, cert, logLevel = 0, timeout = DEFAULT_SECONDS } = request;
  checkStandardInput("run-loader", files);
  if (!Number.isInteger(logLevel) || logLevel < 0 || logLevel > MOST_LEVEL) {
    throw new UsageError(`run-loader: --log-level ${logLevel}: should be 1, 2 or 4, or a sum of these`);
  }
  if (!(timeout > 0 && timeout <= MOST_SECONDS)) {
    throw new UsageError(`run-loader: --timeout ${timeout}: should be from 1 to ${MOST_SECONDS} seconds`);
  }
  const certificate = cert === undefined ? null : certificateOf(readInput(cert));
  const tasks = files.map((file): RunnerTask & { readonly source: string } => {
    const source = nameOfInput(file);
    const loader = decodeLoader(readInput(file), source);
    if (loader.littleEndian !== HOST_LITTLE_ENDIAN) {
      throw new InputError(source, `is a loader for ${loader.littleEndian ? "little" : "big"}-endian machines`);
    }
    return { source, loader, question: questionOf(loader, logLevel, certificate) };
  });
  if (certificate !== null && tasks.every(({ loader }) => loader.signature === null)) {
    throw new UsageError("run-loader: --cert is for signed loaders, and none of these is signed");
  }
  const silenceMs = timeout * 1000;
  const lines =
    kernel === undefined
      ? await runnerOnHost(tasks, silenceMs)
      : await (await import("./runner-vm.ts")).runnerInVm(tasks, silenceMs, kernel);
  return {
    kernel: lines[0]?.kernel ?? "",
    arch: lines[0]?.arch ?? "",
    loaders: tasks.map(({ source, loader }, i) => reportOf(source, loader, lines[i] as LoaderLine)),
  };
}

/** A certificate's DER, out of PEM where it is that. */
function certificateOf(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(bytes);
  const [, inside] = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(text) ?? [];
  return inside === undefined ? bytes : new Uint8Array(Buffer.from(inside, "base64"));
}

/** What the runner is asked about a loader: all but the paths of code and data. */
export function questionOf(loader: Loader, logLevel: number, certificate: Uint8Array | null = null): RunnerQuestion {
  const { dataSize, contextSize, maps, programs, steps, signature } = loader;
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return {
    dataSize,
    contextSize,
    descriptors: [
      ...maps.map(({ descriptorAt }) => ({ kind: "map", at: descriptorAt }) as const),
      ...programs.map(({ descriptorAt }) => ({ kind: "program", at: descriptorAt }) as const),
    ],
    perCpu: maps.filter(({ entryPerCpu }) => entryPerCpu).map(({ maxEntriesAt }) => maxEntriesAt),
    settings: maps
      // Nothing is written into what is signed.
      .filter(({ origin }) => origin === "kconfig" && signature === null)
      .flatMap(({ contentsAt, variables }) =>
        variables.map(({ name, offset, size }) => ({ name, at: (contentsAt ?? 0) + offset, size })),
      ),
    signature:
      signature === null
        ? null
        : {
            scheme: signature.scheme,
            pkcs7: base64(signature.pkcs7),
            certificate: certificate === null ? null : base64(certificate),
          },
    logLevel,
    logSteps: steps.flatMap(({ action }, i) => (action === "load-program" ? [i + 1] : [])),
  };
}

function reportOf(file: string, loader: Loader, line: LoaderLine): RanLoader {
  const { logs } = line;
  const created = [...loader.maps, ...loader.programs].map(({ name }, i) => ({ full: name, ...line.created[i] }));
  const made = line.created.length > 0 ? (created as (CreatedObject & { full: string })[]) : [];
  return {
    file,
    object: loader.object,
    cannot: line.cannot ?? whyNotHere(loader, line),
    failed: line.failed === null ? null : failureOf(loader, line.failed),
    maps: made
      .filter(({ kind }) => kind === "map")
      .map(({ kind: _, tag: __, verifiedInstructions: ___, ...map }) => map),
    programs: made
      .filter(({ kind }) => kind === "program")
      .map(({ full, id, type, name, tag, verifiedInstructions }) => {
        return { full, id, type, name, tag, verifiedInstructions };
      }),
    logs: logs.map(({ step, text }) => ({ step, name: loader.steps[step - 1]?.name ?? "loader program", text })),
  };
}

function failureOf({ steps }: Loader, { stage, errno, step }: NonNullable<LoaderLine["failed"]>): RunFailure {
  const one = steps[step - 1];
  const next = one?.action === "find" ? steps.slice(step).find(({ action }) => action === "load-program") : undefined;
  const what = { action: one?.action ?? null, name: one?.name ?? null, wantedBy: next?.name ?? null };
  return { stage, step, ...what, errno, errnoName: errnoName(errno) };
}

/** A failure that is the kernel's age or its limits, in words; null for any other. */
export function whyNotHere(
  { since, dataSize, instructions, signature }: Pick<Loader, "since" | "dataSize" | "instructions" | "signature">,
  { kernel, failed }: Pick<LoaderLine, "kernel" | "failed">,
): string | null {
  if (failed === null) return null;
  const running = versionCode(kernel);
  if (failed.stage === "load" && running < FIRST_RELEASE) {
    return `Linux ${kernel} has no loader programs: BPF_PROG_TYPE_SYSCALL came with 5.14`;
  }
  const wanted = versionCode(`${since}.0`);
  // Distributions carry much of it back: only what a kernel says to helpers and attributes that it does not know.
  const isUnknown = failed.errno === EINVAL || failed.errno === E2BIG;
  const isOld = running < wanted && isUnknown && (failed.stage === "load" || failed.stage === "run");
  if (isOld) return `the loader uses what came with Linux ${since}, this is ${kernel}`;
  if (
    signature !== null &&
    (failed.stage === "load" || failed.stage === "hash data" || failed.stage === "create data")
  ) {
    const reason = whyNotSigned(signature.scheme, running, failed.errno);
    if (reason !== null) return reason;
  }
  if (failed.stage === "create data" && (failed.errno === E2BIG || failed.errno === EINVAL)) {
    return `the kernel takes no map whose value has ${dataSize} bytes, as the loader's data has`;
  }
  if (failed.stage === "load" && failed.errno === E2BIG) {
    return `the kernel takes no program of ${instructions.length / 8} instructions, as the loader has`;
  }
  return null;
}

/** Why a kernel takes no signature, or not this one; null where it is something else. */
function whyNotSigned(scheme: SignatureScheme, running: number, errno: number): string | null {
  if (errno === EOPNOTSUPP) return "this kernel verifies no signatures of programs (CONFIG_SYSTEM_DATA_VERIFICATION)";
  if (errno === ENOKEY)
    return "the kernel has not the key of the signature: --cert CERT puts it into the session's keyring";
  if (errno === EKEYREJECTED && scheme === "data") {
    return "the kernel rejects the signature: it is of other data, or this kernel verifies instructions only (--sign-scheme hash)";
  }
  if (running < SIGNED_RELEASE && errno !== 0)
    return "signed programs and maps of one program alone came with Linux 6.18";
  return null;
}
