/** Lines of git's wire format: four hex digits of length, themselves included, then the content; `0000` ends a list. */
export function pktLine(content: string): string {
  return (Buffer.byteLength(content) + 4).toString(16).padStart(4, '0') + content;
}

export const flushPacket = '0000';

/** One ref that a push wants to change. A hash of zeros stands for a ref that is not there. */
export interface RefUpdate {
  ref: string;
  from: string;
  to: string;
}

/** The head of a receive-pack request: what is to change, and the capabilities that the client asked for. */
export interface PushHead {
  updates: RefUpdate[];
  capabilities: string[];
}

/** Reads the commands at the beginning of a push; undefined while the buffer does not hold all of them. */
export function parsePushHead(buffer: Buffer): PushHead | undefined {
  const head: PushHead = { updates: [], capabilities: [] };
  for (let at = 0; ; ) {
    if (buffer.length < at + 4) return undefined;
    const length = Number.parseInt(buffer.toString('latin1', at, at + 4), 16);
    if (length === 0) return head;
    if (Number.isNaN(length) || length < 4) throw new Error('the push is malformed');
    if (buffer.length < at + length) return undefined;
    const [command = '', capabilities] = buffer.toString('utf8', at + 4, at + length).split('\0');
    if (capabilities !== undefined) head.capabilities = capabilities.trim().split(' ');
    const [, from, to, ref] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (.+?)\n?$/.exec(command) ?? [];
    // A `shallow` line of a shallow client changes nothing.
    if (from !== undefined && to !== undefined && ref !== undefined) head.updates.push({ ref, from, to });
    at += length;
  }
}

/** What receive-pack answers when a server does not want a push: nothing is stored, each ref has its reason. */
export function refusePush({ updates, capabilities }: PushHead, reasonOf: (update: RefUpdate) => string): string {
  const report = [
    pktLine('unpack ok\n'),
    ...updates.map((update) => pktLine(`ng ${update.ref} ${reasonOf(update)}\n`)),
    flushPacket,
  ].join('');
  if (!capabilities.includes('side-band-64k')) return report;
  return pktLine(`\u0001${report}`) + flushPacket;
}
