/** The machine lacks what is needed (a program, a library, room on the disk): nobody's input is wrong. Exit code 3. */
export class CouldNotRunError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CouldNotRunError";
  }
}
