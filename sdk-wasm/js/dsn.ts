/** Reads a DSN: `SCHEME://KEY@HOST[:PORT][/PATH]/PROJECT`. */
export interface Dsn {
  /** Where the collector lives, without trailing slash. */
  base: string;
  key: string;
  project: string;
}

export function parseDsn(text: unknown): Dsn | null {
  const parts = /^\s*(https?:\/\/)(\w+)(?::\w*)?@(.+)\/(\d+)\/?\s*$/i.exec(text as string);
  return parts && { base: parts[1]! + parts[3], key: parts[2]!, project: parts[4]! };
}
