/**
 * A reader of JSON that is as strict as the Python runtime's (msgspec): `JSON.parse` lets the last of two equal keys win,
 * takes 1.0 for an integer, turns 1e999 into infinity, and does not say where something is wrong.
 *
 * It hands out one value after the other, so that what is expected at a place is compared before anything is built.
 */

/** What is wrong, and where: `… - at $.geometry.stride`. */
export class JsonError extends Error {}

/** What a value is, in msgspec's words. */
export type Kind = "object" | "array" | "str" | "int" | "float" | "bool" | "null";

// No manifest needs more, and Python's recursion ends near it.
const MAX_DEPTH = 900;
// Characters of an integer; Python refuses longer ones.
const MAX_DIGITS = 4300;

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = " \t\n\r";
const UNLIKE_ITSELF = /[^ -[\]-\uffff]/; // a backslash, or a control character, which no string may hold as it is
const WORDS = { t: "true", f: "false", n: "null" };

/** Reads one JSON text from its start to its end. All methods throw JsonError. */
export class JsonReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** Where it is: what to write behind `$`, numbers in brackets. */
  readonly #path: (string | number)[] = [];

  constructor(bytes: Uint8Array) {
    try {
      this.#text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new JsonError("it is not UTF-8");
    }
  }

  /** Refuse the value that was read last. */
  fail(why: string): never {
    const path = this.#path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join("");
    throw new JsonError(path ? `${why} - at \`$${path}\`` : why);
  }

  /** The end of the text. */
  end(): void {
    if (this.#next() !== "") {
      this.#malformed();
    }
  }

  /** Whether the next value is `null`; if so, it has been read. */
  isNull(): boolean {
    return this.#next() === "n" && this.scalar()[0] === "null";
  }

  /** A value that holds no others: what it is, and itself. Of objects and arrays only the former, and nothing is read. */
  scalar(): [Kind, unknown] {
    const first = this.#next();
    switch (first) {
      case "{":
        return ["object", undefined];
      case "[":
        return ["array", undefined];
      case '"':
        return ["str", this.#string()];
      case "t":
      case "f":
      case "n": {
        const word = WORDS[first];
        if (!this.#text.startsWith(word, this.#at)) {
          this.#malformed();
        }
        this.#at += word.length;
        return first === "n" ? ["null", null] : ["bool", first === "t"];
      }
      default:
        return this.#number();
    }
  }

  /** An array; `item` reads each of its values. */
  array(item: (index: number) => void): void {
    this.#open("[", "array");
    let index = 0;
    if (!this.#take("]")) {
      do {
        this.#path.push(index);
        item(index++);
        this.#path.pop();
      } while (this.#take(","));
      this.#expect("]");
    }
    this.#depth--;
  }

  /** An object, no key twice; `entry` reads the value of each key, which is called `part(key)` in the path. */
  object(part: (key: string) => string, entry: (key: string) => void): void {
    this.#open("{", "object");
    const seen = new Set<string>();
    if (!this.#take("}")) {
      do {
        if (this.#next() !== '"') {
          this.#malformed();
        }
        const key = this.#string();
        if (seen.has(key)) {
          this.fail(`key '${key}' occurs twice in one object`);
        }
        seen.add(key);
        this.#expect(":");
        this.#path.push(part(key));
        entry(key);
        this.#path.pop();
      } while (this.#take(","));
      this.#expect("}");
    }
    this.#depth--;
  }

  #open(bracket: string, kind: Kind): void {
    if (!this.#take(bracket)) {
      this.fail(`Expected \`${kind}\`, got \`${this.scalar()[0]}\``);
    }
    if (++this.#depth > MAX_DEPTH) {
      throw new JsonError(`it is nested more than ${MAX_DEPTH} deep`);
    }
  }

  #number(): [Kind, number] {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (!found) {
      this.#malformed();
    }
    const [text, point, exponent] = found;
    this.#at += text.length;
    const kind = point || exponent ? "float" : "int";
    const value = Number(text);
    if (kind === "int" ? text.length > MAX_DIGITS : !Number.isFinite(value)) {
      this.fail("Number out of range");
    }
    return [kind, kind === "int" ? value + 0 : value]; // the integer -0 is 0
  }

  #string(): string {
    const start = ++this.#at;
    let end = this.#text.indexOf('"', start);
    while (end >= 0 && this.#isEscaped(end)) {
      end = this.#text.indexOf('"', end + 1);
    }
    if (end < 0) {
      this.#malformed();
    }
    this.#at = end + 1;
    const raw = this.#text.slice(start, end);
    if (!UNLIKE_ITSELF.test(raw)) {
      return raw;
    }
    let value = "";
    try {
      value = JSON.parse(`"${raw}"`);
    } catch {
      this.#malformed();
    }
    return /\p{Surrogate}/u.test(value) ? this.#malformed() : value;
  }

  /** Whether an odd number of backslashes stands before a place. */
  #isEscaped(at: number): boolean {
    let first = at;
    while (this.#text[first - 1] === "\\") {
      first--;
    }
    return (at - first) % 2 === 1;
  }

  /** The next character behind white space, which is still to be read; "" at the end. */
  #next(): string {
    let next = this.#text.charAt(this.#at);
    while (next && SPACE.includes(next)) {
      next = this.#text.charAt(++this.#at);
    }
    return next;
  }

  #take(character: string): boolean {
    const found = this.#next() === character;
    this.#at += Number(found);
    return found;
  }

  #expect(character: string): void {
    if (!this.#take(character)) {
      this.#malformed();
    }
  }

  #malformed(): never {
    throw new JsonError(`JSON is malformed at character ${this.#at} of ${this.#text.length}`);
  }
}
