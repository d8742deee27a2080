import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { errorMessage } from '../../base/error.ts';
import { requestedAtAnnotation } from '../../runtime/request.ts';
import { refOf } from '../../runtime/status-patch.ts';
import type { ImageDeps, ImageRun } from '../image/run.ts';
import { automationComponent } from './names.ts';
import type { SourcePlan } from './source.ts';

/**
 * Asks for the GitRepository to be fetched now, when a push went to the branch that it tracks: the delivery goes on at
 * once instead of at its next interval. The push has happened, so a failure here is logged, not thrown.
 */
export async function wakeSource(
  { repository, pushBranch }: SourcePlan,
  { clock, logger, signal }: ImageRun<ImageUpdateAutomation>,
  { client }: ImageDeps,
): Promise<void> {
  const { ref } = repository.spec;
  const tracks = ref?.name === `refs/heads/${pushBranch}` || (ref?.branch ?? 'master') === pushBranch;
  if (!tracks || repository.spec.suspend === true) return;
  const metadata = { annotations: { [requestedAtAnnotation]: new Date(clock.now()).toISOString() } };
  try {
    await client.patch(refOf(repository), 'merge', { metadata }, { signal, fieldManager: automationComponent });
  } catch (error) {
    logger.warn(`could not wake the GitRepository: ${errorMessage(error)}`);
  }
}
