/**
 * Frames: how lines of text come whole through a serial port, onto which a kernel may write, too. Each is a line
 * `btfgen:NUMBER:LENGTH:CRC32:DATA`, where DATA is base64 of the text, deflated. What is no frame is passed over; a
 * frame that is damaged or lost is an error, as is one out of order.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

const START = "btfgen:";
/** `START` taken off. */
const FRAME = /^(\d+):(\d+):([0-9a-f]{8}):([A-Za-z0-9+/=]*)$/;
/** A frame's text is at most this long: more is not one of ours. */
const MOST_BYTES = 1 << 26;
/** What waits for its line's end; a frame is far shorter. */
const MOST_WAITING = 1 << 27;

/** The frame of a text; numbers count from 0. Its line has an end before it too, as someone may be in the middle of one. */
export function encodeFrame(number: number, text: string): string {
  const data = deflateRawSync(text).toString("base64");
  return `\n${START}${number}:${data.length}:${crcOf(data)}:${data}\n`;
}

/** Takes what comes through the port, in pieces of any size, and gives the texts of its frames. */
export class FrameReader {
  #rest = "";
  #next = 0;

  /** Texts that are complete with this piece (ASCII). Throws Error where a frame is damaged or missing. */
  take(piece: string): string[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MOST_WAITING) throw new Error("a line without an end");
    const texts: string[] = [];
    for (const line of lines) {
      const at = line.indexOf(START);
      if (at !== -1) texts.push(this.#decode(line.slice(at + START.length).trimEnd()));
    }
    return texts;
  }

  #decode(frame: string): string {
    const [, number = "", length = "", sum = "", data = ""] = FRAME.exec(frame) ?? [];
    const isWhole = number !== "" && data.length === Number(length) && crcOf(data) === sum;
    if (!isWhole) throw new Error(`frame ${this.#next} is damaged`);
    if (Number(number) !== this.#next) throw new Error(`frame ${this.#next} is missing: ${number} came`);
    this.#next++;
    return inflateRawSync(Buffer.from(data, "base64"), { maxOutputLength: MOST_BYTES }).toString("utf8");
  }
}

function crcOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
