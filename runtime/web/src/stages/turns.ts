/** One piece of work at a time, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Run it once all that was asked for before has ended, well or not; what it gives, or its error. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let done!: (nothing?: undefined) => void;
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      done();
    }
  }
}
