// @ts-check
// Stands for the code of a command that is in the other bundle (build.mjs); the launcher never asks for it here.

export {};
