// Reads a list of resources from standard input and checks each against the schema of its operator, as
// the npm packages @kubernetes-models/* have it. Exit status 1 if one does not fit.
import { readFileSync } from "node:fs";
import { ScaledObject, TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { PrometheusRule, ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const MODELS = { ScaledObject, TriggerAuthentication, PrometheusRule, ServiceMonitor };

const resources = JSON.parse(readFileSync(0, "utf8"));
for (const resource of resources) {
  try {
    new MODELS[resource.kind](resource).validate();
  } catch (error) {
    console.error(`${resource.kind} ${resource.metadata.name}: ${error.message}`);
    process.exitCode = 1;
  }
}
if (!process.exitCode) console.log(`${resources.length} are valid`);
