/**
 * What an outcome rests on in the target: while two types are compared, the matcher writes down each fact of the
 * target that the answer depends on. Whoever writes a smaller target keeps these facts and the answer stays.
 * A fact that is absent from the list (a member of another name, say) can go without changing the answer.
 */

/** The type's kind, and what is fixed with it: size, sign, array length. */
export const FACT_TYPE = 0;
/** The type's name was compared. */
export const FACT_NAME = 1;
/** The type that a PTR points to, or a FUNC_PROTO returns and takes, was compared. */
export const FACT_TARGET = 2;
/** Member `detail` of a STRUCT or UNION: its name, offset, width and type. */
export const FACT_MEMBER = 3;
/** Member `detail`, an array without elements, is not the last one of its struct. */
export const FACT_NOT_LAST = 4;
/** Enumerator `detail` of an ENUM or ENUM64. */
export const FACT_ENUMERATOR = 5;
/** There are at least `detail` members or enumerators. */
export const FACT_COUNT = 6;
/** The type is another one than all others, equal ones included: it was counted, or known again. */
export const FACT_DISTINCT = 8;
/** There are fewer than `detail` members. Whoever only leaves members out need not care; whoever adds some must. */
export const FACT_FEWER = 7;

/** Numbers a fact takes in the list: what, type id, detail. */
export const FACT_NUMBERS = 3;

/** Facts as a flat list of numbers, FACT_NUMBERS each; type ids are the target's. */
export type Evidence = number[];
