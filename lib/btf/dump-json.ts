import { openPrinter, printType } from "./dump-record.ts";
import { type DumpSelection, selectedSegment, selectTypes } from "./dump-select.ts";
import { type ChunkWriter, flush, openSink, put } from "./dump-sink.ts";
import type { Btf } from "./view.ts";

/**
 * Prints BTF as one JSON document of the shape of `bpftool -j btf dump file FILE`: `{"types": [...]}`, where a type is
 *
 *     {"id", "kind", "name"}, the name "(anon)" for none, and by kind:
 *     INT                        size (bytes), bits_offset, nr_bits, encoding: "(none)" "SIGNED" "CHAR" "BOOL" "UNKN"
 *     PTR TYPEDEF VOLATILE CONST RESTRICT TYPE_TAG   type_id
 *     ARRAY                      type_id, index_type_id, nr_elems
 *     STRUCT UNION               size, vlen, members: [{name, type_id, bits_offset, bitfield_size (bitfields only)}]
 *     ENUM ENUM64                encoding: "SIGNED" "UNSIGNED", size, vlen, values: [{name, val}]
 *     FWD                        fwd_kind: "struct" "union"
 *     FUNC                       type_id, linkage: "static" "global" "extern" "(unknown)"
 *     FUNC_PROTO                 ret_type_id, vlen, params: [{name, type_id}]
 *     VAR                        type_id, linkage
 *     DATASEC                    size, vlen, vars: [{type_id, offset, size}]
 *     FLOAT                      size
 *     DECL_TAG                   type_id, component_idx (-1: the type itself)
 *
 * Numbers are written in full, also those of 64 bits that a double cannot hold. Where it differs, bpftool is at fault:
 * an unsigned 32-bit enumerator with its top bit set is its C value here, where bpftool's JSON (not its text) extends
 * the sign to 64 bits; control characters in names are escaped; and a backslash stays one, which bpftool 7.1 turns into
 * a line feed. Chunks as dumpRaw.
 */
export function dumpJson(btf: Btf, write: ChunkWriter, selection: DumpSelection = {}): void {
  const sink = openSink(btf.strings, write);
  const printer = openPrinter(btf, selectedSegment(btf, selection), sink, true);
  put(sink, '{"types":[');
  let first = true;
  for (const id of selectTypes(btf, selection)) {
    if (!first) put(sink, ",");
    first = false;
    printType(printer, id);
  }
  put(sink, "]}\n");
  flush(sink);
}
