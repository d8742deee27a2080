import { ImageRepository } from '../../api/image-repository.ts';
import { kindRef } from '../../api/kind.ts';
import type { Controller } from '../../runtime/controller.ts';
import { reconcileImageKind } from '../image/run.ts';
import type { ImageRepositoryDeps } from './deps.ts';
import { createScanner } from './reconcile.ts';

export const reflectorName = 'image-reflector-controller';

/** Scans the tags of images (spec/image.md §2). */
export function createImageRepositoryController(deps: ImageRepositoryDeps): Controller {
  const kind = kindRef(ImageRepository);
  const scanner = createScanner(deps);
  return {
    name: reflectorName,
    kind,
    concurrency: deps.concurrency ?? 4,
    reconcile: (key, context) =>
      reconcileImageKind<ImageRepository>(
        { kind, component: reflectorName, answersWhileSuspended: true, forget: scanner.forget, work: scanner.work },
        key,
        deps,
        context,
      ),
  };
}
