/** WebAssembly, which compares BTFs, does not run here: for a setting of the engine or a limit, not for the input. */
export class WebAssemblyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WebAssemblyError";
  }
}
