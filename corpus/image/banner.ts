/** linux_banner (init/version.c): `Linux version RELEASE (BUILDER) (COMPILER) #1 SMP ...`. */
const START = "Linux version ";
const MAX_BYTES = 512;
const RELEASE = /^Linux version (\d\S*) /;

/** The version string in a kernel's bytes, up to its line's end; null where there is none. */
export function bannerOf(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = buffer.indexOf(START); at !== -1; at = buffer.indexOf(START, at + 1)) {
    const text = buffer.toString("latin1", at, at + MAX_BYTES);
    const line = text.split(/[\n\0]/, 1)[0] as string;
    // The format string of the same line has `%s` where the release is.
    if (RELEASE.test(line)) return line;
  }
  return null;
}

/** The release (`uname -r`) in a banner. */
export function releaseOfBanner(banner: string): string | null {
  return RELEASE.exec(banner)?.[1] ?? null;
}
