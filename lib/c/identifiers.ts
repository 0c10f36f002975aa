/** Words that C, or clang and GCC beside it, have taken: none can name a member, a type or an enumerator. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `auto break case char const continue default do double else enum extern float for goto if inline int long register
  restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Alignas _Alignof
  _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local _BitInt _Decimal32 _Decimal64
  _Decimal128 asm typeof __asm __asm__ __attribute __attribute__ __const __const__ __inline __inline__ __restrict
  __restrict__ __signed __signed__ __typeof __typeof__ __volatile __volatile__ __extension__ __alignof __alignof__
  __thread __label__ __func__ __FUNCTION__ __PRETTY_FUNCTION__ __real __real__ __imag __imag__ __auto_type __int128
  __int128_t __uint128_t __builtin_va_list __builtin_va_arg __builtin_offsetof __builtin_types_compatible_p
  __builtin_choose_expr _Float16 _Float32 _Float64 _Float128 _Float32x _Float64x __float128 __ibm128 __bf16 __fp16
  __null __complex__ __complex`.split(/\s+/),
);

/** Words that C has taken in 2023: earlier compilers can have them as names. */
export const LATER_KEYWORDS: ReadonlySet<string> = new Set(
  "alignas alignof bool constexpr false nullptr static_assert thread_local true typeof_unqual".split(" "),
);

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NO_PART = /[^A-Za-z0-9_]/g;
const DIGIT_FIRST = /^[0-9]/;

/** A name as C can have it: as it is if that can be, else with `_` for what is no letter or digit. Never empty. */
export function identifier(name: string): string {
  if (IDENTIFIER.test(name)) return KEYWORDS.has(name) || LATER_KEYWORDS.has(name) ? `${name}_` : name;
  const parts = name.replace(NO_PART, "_");
  return parts === "" || DIGIT_FIRST.test(parts) ? `_${parts}` : parts;
}

/**
 * Names that are taken, each with the number behind its last namesake. Tags are one of C's name spaces, typedefs,
 * enumerators and functions together another.
 */
export type NameSpace = Map<string, number>;

/**
 * Takes a name, with `___2`, `___3`, ... behind it where an earlier one has it: a flavour, which CO-RE leaves out of
 * comparisons, as bpftool has it. `isOwn` is true for what later C has by that name: it keeps it.
 */
export function takeName(taken: NameSpace, raw: string, isOwn = false): string {
  const name = isOwn ? raw : identifier(raw);
  let last = taken.get(name);
  if (last === undefined) {
    taken.set(name, 1);
    return name;
  }
  let flavoured: string;
  do flavoured = `${name}___${++last}`;
  while (taken.has(flavoured));
  taken.set(name, last);
  taken.set(flavoured, 1);
  return flavoured;
}
