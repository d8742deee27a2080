import { createHmac, timingSafeEqual } from 'node:crypto';

/** Who sends a hook; the last part of the address it is sent to. */
export const hookSenders = ['github', 'gitlab', 'bitbucket', 'ecr', 'registry', 'generic'] as const;
export type HookSender = (typeof hookSenders)[number];

export type HookHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Whether a hook carries the shared token, in the way in which its sender proves that it knows it. */
export function isAuthentic(sender: HookSender, headers: HookHeaders, body: Buffer, token: string): boolean {
  const header = (name: string) => String(headers[name] ?? '');
  const hmac = `sha256=${createHmac('sha256', token).update(body).digest('hex')}`;
  switch (sender) {
    case 'github':
      return sameText(header('x-hub-signature-256'), hmac);
    case 'bitbucket':
      return sameText(header('x-hub-signature'), hmac);
    case 'generic':
      return sameText(header('x-signature'), hmac);
    case 'gitlab':
      return sameText(header('x-gitlab-token'), token);
    case 'ecr':
    case 'registry':
      return sameText(header('authorization'), `Bearer ${token}`) || sameText(header('x-millrace-token'), token);
  }
}

/** Compares in constant time, so that a guess learns nothing from the answer's delay. */
function sameText(given: string, wanted: string): boolean {
  const left = createHmac('sha256', 'length').update(given).digest();
  const right = createHmac('sha256', 'length').update(wanted).digest();
  return timingSafeEqual(left, right);
}
