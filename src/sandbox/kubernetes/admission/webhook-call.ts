import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isRecord } from '../../../base/json.ts';

const mostAnswerBytes = 3 * 1024 * 1024;

/** Posts an AdmissionReview to a webhook and returns its response; throws what went wrong. */
export function callWebhook(
  url: string,
  caPem: string | undefined,
  review: unknown,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const body = JSON.stringify(review);
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const call = send(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(timeoutMs),
        ...(caPem !== undefined && { ca: caPem }),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > mostAnswerBytes) call.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          try {
            const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString());
            const response = isRecord(parsed) ? parsed['response'] : undefined;
            if (isRecord(response)) resolve(response);
            else reject(new Error('received invalid webhook response: no response'));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
