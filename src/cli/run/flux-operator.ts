import { systemClock } from '../../base/clock.ts';
import { createFluxInstanceController } from '../../controllers/flux-instance/controller.ts';
import { createFluxReportController } from '../../controllers/flux-instance/report/controller.ts';
import { requestReport } from '../../controllers/flux-instance/report/request-report.ts';
import { version } from '../../version.ts';
import { type ControllerDeps, type ControllerPart, operatorName } from './controllers.ts';

/** The FluxInstance and its report, which is there from the start. */
export async function assembleOperator(deps: ControllerDeps): Promise<ControllerPart> {
  const { client, env, namespace, signal } = deps;
  const { registry } = deps.metrics;
  const image = env['MILLRACE_IMAGE'];
  const parts = {
    client,
    events: deps.events(operatorName),
    version,
    registry,
    ...(image === undefined ? {} : { image }),
  };
  await requestReport(client, namespace, systemClock, signal);
  return { controllers: [createFluxInstanceController(parts), createFluxReportController(parts)] };
}
