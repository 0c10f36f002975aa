import type { Redis } from "ioredis";
import { CouldNotRunError } from "../could-not-run.ts";
import type { ObjectTag } from "./object-tag.ts";
import type { BatchOptions, BatchSetup } from "./setup.ts";

/** A job as it travels: small, for the file stays where it is and the setup is kept once. */
export interface QueuedFile {
  readonly setup: string;
  readonly path: string;
  readonly name: string;
  readonly isNamed: boolean;
  /** SHA-256 of the file as batch saw it: a worker that sees another one must not answer. */
  readonly expectedHash: string;
}

/** What BullMQ and its client have, imported where there is a queue and nowhere else. */
export interface QueuePackages {
  readonly bullmq: typeof import("bullmq");
  readonly ioredis: Pick<typeof import("ioredis"), "Redis">;
}

/** A setup as JSON: objects in base64. */
interface StoredSetup {
  readonly build: string;
  readonly digest: string;
  readonly options: BatchOptions;
  readonly objects: readonly {
    readonly name: string;
    readonly base64: string;
    readonly sha256: string;
    readonly littleEndian: boolean;
    readonly tag: ObjectTag | null;
  }[];
}

const CONNECT_MS = 5000;
/** Long enough for any run; a run that is started again puts it there anew. */
const SETUP_SECONDS = 7 * 24 * 3600;

/** Imports the packages, which do not come with btfgen. @throws CouldNotRunError where they are not installed. */
export async function importQueue(): Promise<QueuePackages> {
  try {
    return { bullmq: await import("bullmq"), ioredis: await import("ioredis") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CouldNotRunError("--queue needs the packages bullmq and ioredis: npm install bullmq ioredis");
  }
}

/** The queue's name: workers of another build do not see it, for their results would not be this build's. */
export function queueName(build: string): string {
  return `btfgen-${build}`;
}

/** Connects. @throws CouldNotRunError where there is no server. */
export async function connect({ ioredis }: QueuePackages, url: string): Promise<Redis> {
  const options = { lazyConnect: true, maxRetriesPerRequest: null, connectTimeout: CONNECT_MS };
  const probe = new ioredis.Redis(url, { ...options, retryStrategy: () => null });
  let failure = "";
  probe.on("error", (error) => {
    failure = error.message;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    const reason = failure || (error instanceof Error ? error.message : String(error));
    throw new CouldNotRunError(`no queue at ${withoutPassword(url)}: ${reason}`);
  } finally {
    probe.disconnect();
  }
  const client = new ioredis.Redis(url, options);
  // It connects again by itself.
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** A URL as it may be shown. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}

/** Puts a setup where workers find it. */
export async function putSetup(client: Redis, setup: BatchSetup): Promise<void> {
  const stored: StoredSetup = {
    ...setup,
    objects: setup.objects.map(({ bytes, ...rest }) => ({ ...rest, base64: Buffer.from(bytes).toString("base64") })),
  };
  await client.set(setupKey(setup.build, setup.digest), JSON.stringify(stored), "EX", SETUP_SECONDS);
}

/** Takes a setup by its digest; null where it is gone. */
export async function getSetup(client: Redis, build: string, digest: string): Promise<BatchSetup | null> {
  const text = await client.get(setupKey(build, digest));
  if (text === null) return null;
  const stored: StoredSetup = JSON.parse(text);
  const objects = stored.objects.map(({ base64, ...rest }) => {
    // A copy of its own: small buffers share one block of memory, which would be sent to workers as a whole.
    return { ...rest, bytes: Uint8Array.from(Buffer.from(base64, "base64")) };
  });
  return { ...stored, objects };
}

function setupKey(build: string, digest: string): string {
  return `${queueName(build)}:setup:${digest}`;
}
