/** What the runner (`runner.cjs REQUEST`, a JSON file) is asked and answers; see protocol.ts for why it is a process of its own. */

/** Loaders to run one after the other: a JSON file. */
export interface RunLoadersRequest {
  readonly loaders: readonly RunLoaderRequest[];
}

/** What to run. Paths are absolute, or relative to the directory that it runs in. */
export interface RunLoaderRequest {
  /** The code and the data of the loader program, raw. */
  readonly instructions: string;
  readonly data: string;
  /** Bytes of the map that has the data. */
  readonly dataSize: number;
  readonly contextSize: number;
  /** Places of descriptors in the context, of each map and program. */
  readonly descriptors: readonly { readonly kind: "map" | "program"; readonly at: number }[];
  /** Places in the data to which the number of possible CPUs is written. */
  readonly perCpu: readonly number[];
  /** Externs of `.kconfig`, by their place in the data and their bytes. */
  readonly settings: readonly { readonly name: string; readonly at: number; readonly size: number }[];
  /** For a signed loader; null else. Base64, DER. `certificate` goes to the session's keyring; null where it is there. */
  readonly signature: {
    readonly scheme: "hash" | "data";
    readonly pkcs7: string;
    readonly certificate: string | null;
  } | null;
  /** Of the verifier; 0 for a log only of what fails. */
  readonly logLevel: number;
  /** Numbers of the steps whose logs are wanted at such a level: the loader is run once for each. */
  readonly logSteps: readonly number[];
}

/** The verifier's words on a step; 0 for the loader program itself. */
export interface StepLog {
  readonly step: number;
  readonly text: string;
}

/** What the caller does itself, in this order; `run` is the loader program's own doing. */
export type RunStage =
  | "privilege"
  | "create data"
  | "fill data"
  | "freeze data"
  | "hash data"
  | "add key"
  | "load"
  | "run";

/** What became of a descriptor, as the kernel tells. */
export interface CreatedObject {
  readonly kind: "map" | "program";
  readonly id: number;
  /** `enum bpf_map_type` or `enum bpf_prog_type`. */
  readonly type: number;
  readonly name: string;
  /** Of a map; 0 for a program. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Of a program; empty for a map. */
  readonly tag: string;
  readonly verifiedInstructions: number;
}

/** The answer on one loader, in the order of the request; `type` lets it be told from what a library prints. */
export interface LoaderLine {
  readonly type: "loader";
  readonly kernel: string;
  readonly arch: string;
  /** Where it ended; null when all went well. */
  readonly failed: {
    readonly stage: RunStage;
    readonly errno: number /** Of the loader's steps, from 1; 0 for none. */;
    readonly step: number;
  } | null;
  /** Why nothing could be asked at all; null where it could. */
  readonly cannot: string | null;
  /** On what failed, or, at a log level, on what was asked for. */
  readonly logs: readonly StepLog[];
  /** In the order of the request's descriptors. */
  readonly created: readonly CreatedObject[];
}
