/**
 * UTF-8 for the core: not every engine of React Native has these two. Put in place of the globals by the build.
 *
 * The core writes well-formed text only, and its glue asks for nothing but what is here.
 */

class Encoder {
  encode(text = ''): Uint8Array {
    const bytes: number[] = [];
    for (const char of text) {
      let code = char.codePointAt(0)!;
      // Half of a surrogate pair is no character.
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return Uint8Array.from(bytes);
  }
}

class Decoder {
  decode(bytes: Uint8Array = new Uint8Array()): string {
    let text = '';
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++]!;
      const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      let code = more ? first & (0x3f >> more) : first;
      for (let left = more; left > 0; left--) code = (code << 6) | (bytes[at++]! & 63);
      text += String.fromCodePoint(code);
    }
    return text;
  }
}

export { Decoder as TextDecoder, Encoder as TextEncoder };
