// @ts-check
// What cli/ and lib/ use of node:zlib, which is loaded when one of it is called: few inputs are compressed, and the
// module brings all of node:stream with it (6 ms of a cold start on a busy machine).

/** @returns {typeof import("node:zlib")} */
const zlib = () => require("node:zlib");

/** @param {Uint8Array} bytes @param {import("node:zlib").ZlibOptions} [options] */
export const gunzipSync = (bytes, options) => zlib().gunzipSync(bytes, options);

/** @param {Uint8Array} bytes @param {import("node:zlib").ZlibOptions} [options] */
export const inflateSync = (bytes, options) => zlib().inflateSync(bytes, options);
