/** The checksum of zip and PNG: CRC-32, four bytes at a time (slicing; eight at a time are no faster in JavaScript). */

let tables: Int32Array | undefined;

/**
 * CRC-32 (polynomial 0xEDB88320) of the bytes.
 *
 * @returns an unsigned 32-bit number.
 */
export function crc32(bytes: Uint8Array): number {
  tables ??= makeTables();
  const t = tables;
  const whole = bytes.length & ~3;
  let crc = -1;
  let at = 0;
  for (; at < whole; at += 4) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc = t[768 + (crc & 255)] ^ t[512 + ((crc >>> 8) & 255)] ^ t[256 + ((crc >>> 16) & 255)] ^ t[crc >>> 24];
  }
  for (; at < bytes.length; at++) {
    crc = t[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** Entry 256 k + b: the CRC of byte b with k zeros behind it. */
function makeTables(): Int32Array {
  const made = new Int32Array(1024);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    made[byte] = crc;
  }
  for (let at = 256; at < 1024; at++) {
    made[at] = made[made[at - 256] & 255] ^ (made[at - 256] >>> 8);
  }
  return made;
}
