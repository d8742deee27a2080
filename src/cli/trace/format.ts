import { formatDuration } from '../../base/duration.ts';
import type { ClusterFinding } from '../../diagnose/doctor/examine.ts';
import type { HopState, TraceHop } from '../../diagnose/trace/hop.ts';
import type { Trace, TracedRoute } from '../../diagnose/trace/trace.ts';
import { formatFindings } from '../doctor.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatGaps } from '../gaps.ts';
import { codeBlock, markdownTable } from '../markdown.ts';

/** Traces with the causes that doctor knows for where they stopped. */
export interface TraceReport {
  traces: Trace[];
  findings: ClusterFinding[];
}

const marks: Record<HopState, string> = {
  done: 'ok',
  waiting: 'waits',
  stopped: 'STOP',
  superseded: 'past',
  unknown: '?',
};

/** 0 on its way or there, 1 stopped, 2 not to be seen. */
export function traceExitCode({ traces }: TraceReport): number {
  const states = traces.flatMap(({ routes }) => routes.map(({ at }) => at?.state));
  if (states.includes('stopped')) return exitCodes.failed;
  return states.includes('unknown') ? exitCodes.usage : exitCodes.ok;
}

export function formatTraces({ traces, findings }: TraceReport): string {
  const parts = traces.flatMap((trace) => trace.routes.map((route) => formatRoute(trace, route)));
  const unseen = formatGaps(traces[0]?.gaps ?? []);
  if (unseen.length > 0) parts.push(unseen.join('\n'));
  for (const finding of findings) parts.push(formatFindings([finding]));
  return parts.join('\n\n');
}

export function tracesMarkdown({ traces, findings }: TraceReport): string {
  const parts = traces.flatMap((trace) =>
    trace.routes.flatMap((route) => [
      `## ${trace.image}:${trace.tag}${route.policy === undefined ? '' : ` (${route.policy})`}`,
      summary(route),
      markdownTable(
        ['hop', 'state', 'when', 'what'],
        withGaps(route.hops).map(({ hop, after }) => [
          hop.name,
          marks[hop.state],
          `${hop.at ?? ''} ${after}`,
          what(hop),
        ]),
      ),
    ]),
  );
  for (const finding of findings) parts.push(`### ${finding.code}`, codeBlock(formatFindings([finding])));
  return parts.join('\n\n');
}

function formatRoute({ image, tag }: Trace, route: TracedRoute): string {
  const lines = withGaps(route.hops).map(({ hop, after }) => {
    const when = (hop.at ?? '').replace(/\.\d+Z$/, 'Z').replace('T', ' ');
    return `  ${hop.name.padEnd(9)}  ${marks[hop.state].padEnd(5)}  ${when.padEnd(20)}  ${after.padEnd(8)}  ${what(hop)}`.trimEnd();
  });
  const title = `${image}:${tag}${route.policy === undefined ? '' : `   ${route.policy}`}`;
  return [title, ...lines, summary(route)].join('\n');
}

function what({ object, evidence }: TraceHop): string {
  return object === undefined ? evidence : `${object}${evidence === '' ? '' : `: ${evidence}`}`;
}

/** Hops with the time since the hop before whose time is known. */
function withGaps(hops: readonly TraceHop[]): { hop: TraceHop; after: string }[] {
  let before: number | undefined;
  return hops.map((hop) => {
    const at = hop.at === undefined ? undefined : Date.parse(hop.at);
    // Kubernetes keeps whole seconds: less than one says nothing.
    const gap = at === undefined || before === undefined ? 0 : at - before;
    const after = gap < 1000 ? '' : `+${formatDuration(Math.round(gap / 1000) * 1000)}`;
    before = at ?? before;
    return { hop, after };
  });
}

function summary({ hops, at }: TracedRoute): string {
  const time = (name: string) => Date.parse(hops.find((hop) => hop.name === name)?.at ?? '');
  const took = time('running') - time('pushed');
  if (at === undefined) {
    if (Number.isNaN(took) || took <= -1000) return 'runs';
    // Kubernetes keeps whole seconds.
    const time = took < 1000 ? 'within a second' : formatDuration(Math.round(took / 1000) * 1000);
    return `runs, ${time} from the push to the last ready pod`;
  }
  if (at.state === 'superseded') return `was delivered; ${at.evidence}`;
  const reason = at.evidence === '' ? '' : `: ${at.evidence}`;
  if (at.state === 'stopped') return `stopped: not ${at.name}${reason}`;
  return at.state === 'waiting' ? `on its way: ${at.name} is next${reason}` : `not to be seen: ${at.name}${reason}`;
}
