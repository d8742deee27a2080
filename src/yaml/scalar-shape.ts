/** How a text may be written in a block context. */
export interface ScalarShape {
  plainAllowed: boolean;
  singleQuotedAllowed: boolean;
  blockAllowed: boolean;
}

const breaks = new Set(['\n', '\r', '\u0085', '\u2028', '\u2029']);

export function isBreak(character: string): boolean {
  return breaks.has(character);
}

/** What go-yaml v2 writes without an escape: no tab, nothing beyond the basic plane. */
export function isPrintable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (
    code === 0x0a ||
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff)
  );
}

const startIndicators = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t\r\n\u0085\u2028\u2029]|$))/;
const innerIndicators = /:(?:[ \t\r\n\u0085\u2028\u2029]|$)|[ \t\r\n\u0085\u2028\u2029]#/;

/** The analysis that libyaml's emitter makes of a scalar. */
export function analyze(text: string): ScalarShape {
  if (text === '') return { plainAllowed: true, singleQuotedAllowed: true, blockAllowed: false };
  const special = hasUnprintable(text);
  const leads = /^[ \n]/.test(text);
  const trails = /[ \n]$/.test(text);
  const breakSpace = text.includes('\n ');
  const spaceBreak = text.includes(' \n');
  const blocked = spaceBreak || special;
  return {
    plainAllowed:
      !blocked &&
      !leads &&
      !trails &&
      !/[\n\u2028\u2029]/.test(text) &&
      !startIndicators.test(text) &&
      !innerIndicators.test(text),
    singleQuotedAllowed: !blocked && !breakSpace,
    blockAllowed: !blocked && !text.endsWith(' '),
  };
}

function hasUnprintable(text: string): boolean {
  if (/^[\n\x20-\x7e]*$/.test(text)) return false;
  for (const character of text) if (!isPrintable(character)) return true;
  return false;
}

const keywords =
  /^(?:~|null|Null|NULL|[yYnN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|\.nan|\.NaN|\.NAN|[-+]?\.(?:inf|Inf|INF)|)$/;
const floating = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const integers = /^(?:[-+]?(?:0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[0-7]+|0[oO][0-7]+|0[bB][01]+)|-0b[01]+)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const timestamp =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?(?:Z|[ \t]*[-+][0-9]{1,2}(?::[0-9]{1,2})?)?)?$/;

/** Whether YAML 1.1 as go-yaml v2 reads it takes the unquoted text for a string. */
export function resolvesToString(text: string): boolean {
  if (text.length > 64) return !/^[-+0-9._]+$/.test(text) || !isNumber(text);
  if (keywords.test(text)) return false;
  const first = text.charCodeAt(0);
  // Only these can begin a number or a date: + - . 0-9
  if (first !== 43 && first !== 45 && first !== 46 && (first < 48 || first > 57)) return true;
  return !isNumber(text) && !base60.test(text) && !isTimestamp(text);
}

function isNumber(text: string): boolean {
  const plain = text.replaceAll('_', '');
  return integers.test(plain) || floating.test(plain);
}

function isTimestamp(text: string): boolean {
  if (!timestamp.test(text)) return false;
  const [, month = '0', day = '0'] = /^[0-9]{4}-([0-9]+)-([0-9]+)/.exec(text) ?? [];
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31;
}
