/** The checksum of zip and PNG: CRC-32, eight bytes at a time (slicing, as in Intel's paper and in zlib). */

let tables: Int32Array | undefined;

/**
 * CRC-32 (polynomial 0xEDB88320) of the bytes.
 *
 * @returns an unsigned 32-bit number.
 */
export function crc32(bytes: Uint8Array): number {
  tables ??= makeTables();
  const t = tables;
  const whole = bytes.length & ~7;
  let crc = -1;
  let at = 0;
  for (; at < whole; at += 8) {
    const low = crc ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    crc =
      t[1792 + (low & 255)] ^
      t[1536 + ((low >>> 8) & 255)] ^
      t[1280 + ((low >>> 16) & 255)] ^
      t[1024 + (low >>> 24)] ^
      t[768 + bytes[at + 4]] ^
      t[512 + bytes[at + 5]] ^
      t[256 + bytes[at + 6]] ^
      t[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) {
    crc = t[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** Table k × 256 + b: the CRC of byte b with k zeros behind it. */
function makeTables(): Int32Array {
  const made = new Int32Array(2048);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    made[byte] = crc;
  }
  for (let at = 256; at < 2048; at++) {
    made[at] = made[made[at - 256] & 255] ^ (made[at - 256] >>> 8);
  }
  return made;
}
