import { describe, expect, it } from "vitest";
import { FormatError, type FormatErrorPlace } from "../../lib/btf/error.ts";

describe("FormatError", () => {
  it.each<[FormatErrorPlace, string]>([
    [{}, "wrong"],
    [{ source: "f" }, "f: wrong"],
    [{ source: "f#o", section: "BTF types", offset: 255, typeId: 7 }, "f#o: BTF types, offset 0xff, type id 7: wrong"],
    [{ section: "BTF header" }, "BTF header: wrong"],
    [{ offset: 0 }, "offset 0x0: wrong"],
    [{ typeId: 0 }, "type id 0: wrong"],
  ])("%j", (place, message) => {
    const error = new FormatError("bad-record", "wrong", place);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ ...place, code: "bad-record", detail: "wrong", name: "FormatError" });
  });
});
