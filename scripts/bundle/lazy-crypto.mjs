// @ts-check
// What the command uses of node:crypto, which is loaded when one of it is called: 4 ms of a start (Node 20) that
// comparing or minimizing raw BTF needs nothing of.

/** @returns {typeof import("node:crypto")} */
const crypto = () => require("node:crypto");

/** @param {string} algorithm */
export const createHash = (algorithm) => crypto().createHash(algorithm);

/** @param {number} size Bytes. */
export const randomBytes = (size) => crypto().randomBytes(size);
