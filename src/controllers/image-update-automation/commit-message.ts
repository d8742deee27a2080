import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import type { FileChange } from './apply-setters.ts';

export const defaultMessage = 'Update from image update automation';

/** The commit message of an automation for its changes (spec/image.md §9). */
export function renderCommitMessage(automation: ImageUpdateAutomation, _changes: readonly FileChange[]): string {
  return automation.spec.git?.commit.messageTemplate || defaultMessage;
}
