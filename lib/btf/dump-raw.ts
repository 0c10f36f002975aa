import { openPrinter, printType } from "./dump-record.ts";
import { type DumpSelection, selectedSegment, selectTypes } from "./dump-select.ts";
import { type ChunkWriter, flush, openSink } from "./dump-sink.ts";
import type { Btf } from "./view.ts";

/**
 * Prints BTF as text, byte for byte what `bpftool btf dump file FILE format raw` prints (bpftool btf.c, dump_btf_type);
 * a module's own types as `bpftool -B BASE ...` does. Hands over chunks of at most 64 KiB.
 *
 * The dialect is bpftool 7's, the same from 7.0 to those of 2026. It shows the kind_flag of structs, unions, enums and
 * FWD only: a TYPE_TAG or DECL_TAG that is an attribute looks like any other. What versions do differently:
 * - before 7.0, an ENUM has no `encoding=`, its values are unsigned, and ENUM64 is refused;
 * - 7.1 (libbpf 1.1) fails on a vlen above 16 bits, on kinds above ENUM64 even with a layout section, and on a file of
 *   the other byte order whose header is longer than 24 bytes. Those of 2026 print, as this does, `UNKNOWN` and no
 *   fields for a kind which only the file's layout section describes.
 */
export function dumpRaw(btf: Btf, write: ChunkWriter, selection: DumpSelection = {}): void {
  const sink = openSink(btf.strings, write);
  const printer = openPrinter(btf, selectedSegment(btf, selection), sink, false);
  for (const id of selectTypes(btf, selection)) printType(printer, id);
  flush(sink);
}
