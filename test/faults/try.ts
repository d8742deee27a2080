import { practiceFaults } from '/work/wt/reh/src/cli/up/faults/index.ts';
import { practise } from '/work/wt/reh/test/faults/practise.ts';

const only = process.env.ONLY?.split(',');
for (const fault of practiceFaults) {
  if (fault.code === 'none' || (only && !only.includes(fault.code))) continue;
  const start = Date.now();
  try {
    const { findings, unexplained, gaps } = await practise(fault);
    const ok = findings[0]?.code === fault.code;
    console.log(
      ok ? 'ok  ' : 'FAIL',
      fault.code.padEnd(36),
      ((Date.now() - start) / 1000).toFixed(1),
      findings.map((f) => `${f.code} ${f.confidence} ${f.objects}`).join(' | '),
      ok ? '' : JSON.stringify(unexplained).slice(0, 600),
    );
    if (gaps.length) console.log('   gaps', JSON.stringify(gaps).slice(0, 300));
  } catch (e) {
    console.log('ERR ', fault.code, e);
  }
}
process.exit(0);
