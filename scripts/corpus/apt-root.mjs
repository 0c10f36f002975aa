// @ts-check
// SPDX-License-Identifier: MIT
/** A private root for apt: lists and packages of other releases and architectures, apart from the machine's own. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";

const UPDATE_LIMIT = "120s";
const DOWNLOAD_LIMIT = "120s";
const SOURCES = "/etc/apt";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The mirror's address as this machine's apt has it: up to and with `/debian`. */
function mirror() {
  const files = [join(SOURCES, "sources.list")];
  const directory = join(SOURCES, "sources.list.d");
  for (const name of readdirSync(directory)) if (/\.(list|sources)$/.test(name)) files.push(join(directory, name));
  for (const file of files) {
    let text = "";
    try {
      text = readFileSync(file, "utf8");
    } catch {
      continue;
    }
    const address = /^[^#\n]*?(https?:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error("this machine's apt has no Debian mirror");
}

/**
 * @param {string} root a directory of its own
 * @param {string} arch
 * @param {string[]} suites
 */
export async function openAptRoot(root, arch, suites) {
  for (const name of ["lists/partial", "cache/archives/partial", "state", "packages"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  writeFileSync(join(root, "status"), "");
  const address = mirror();
  const lines = suites.map((suite) => {
    const base = suite.endsWith("-security") ? `${address}-security` : address;
    return `deb [signed-by=${KEYRING}] ${base} ${suite} main\n`;
  });
  writeFileSync(join(root, "sources.list"), lines.join(""));
  const settings = {
    "APT::Architecture": arch,
    "APT::Architectures": arch,
    "Dir::State": join(root, "state"),
    "Dir::State::status": join(root, "status"),
    "Dir::State::lists": join(root, "lists"),
    "Dir::Cache": join(root, "cache"),
    "Dir::Etc::sourcelist": join(root, "sources.list"),
    "Dir::Etc::sourceparts": join(root, "none"),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "30",
    "Acquire::https::Timeout": "30",
  };
  const config = join(root, "apt.conf");
  const text = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
  writeFileSync(config, text.join("").replace(/^APT::Architectures (".*");/m, "APT::Architectures { $1; };"));
  const run = $({ quiet: true, env: { ...process.env, APT_CONFIG: config }, cwd: join(root, "packages") });
  // One suite that the mirror has no more must not cost the others.
  const updated = await run`apt-get -qq update`.timeout(UPDATE_LIMIT).nothrow();
  return {
    /** The error where not all lists came, else null. */
    incomplete: updated.exitCode === 0 ? null : updated,
    /** Names of all kernel packages. */
    async names() {
      const found = await Promise.all(
        ["linux-image-", "linux-binary-"].map((start) => run`apt-cache pkgnames ${start}`),
      );
      return found.flatMap(({ stdout }) => stdout.split("\n").filter(Boolean));
    },
    /** Fetches a package, and says where it is. @param {string} name */
    async download(name) {
      const directory = join(root, "packages");
      for (const old of readdirSync(directory)) rmSync(join(directory, old));
      const got = await run`apt-get -qq download ${name}`.timeout(DOWNLOAD_LIMIT).nothrow();
      if (got.signal !== null) throw new Error(`not fetched within ${DOWNLOAD_LIMIT}`);
      if (got.exitCode !== 0) throw got;
      const [file] = readdirSync(directory);
      if (file === undefined) throw new Error("apt-get fetched nothing");
      return join(directory, file);
    },
    close() {
      rmSync(root, { recursive: true, force: true });
    },
  };
}
