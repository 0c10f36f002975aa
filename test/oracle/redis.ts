/** A Redis server for tests of the queue: on a port of its own, without a file. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** A server that runs. */
export interface RedisServer {
  readonly url: string;
  stop(): void;
}

/** A port of loopback that nobody has at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts redis-server (the oracle `redis`) and waits until it answers. */
export async function startRedis(directory: string): Promise<RedisServer> {
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", settings, { cwd: directory, stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((resolve) => {
    server.stdout.on("data", (chunk: Buffer) => chunk.includes("Ready to accept") && resolve());
  });
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.kill("SIGKILL") };
}
