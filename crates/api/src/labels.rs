//! The keys of labels, annotations and finalizers by which Argo's objects find each other.

/// On a pod: the container that `kubectl` means without a name. Argo: `AnnotationKeyDefaultContainer`.
pub const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// On a service account: name of the secret with its token. Argo: `AnnotationKeyServiceAccountTokenName`.
pub const SERVICE_ACCOUNT_TOKEN_NAME: &str = "workflows.argoproj.io/service-account-token.name";

/// On a pod: ID of its node. Argo: `AnnotationKeyNodeID`.
pub const NODE_ID: &str = "workflows.argoproj.io/node-id";

/// On a pod: name of its node. Argo: `AnnotationKeyNodeName`.
pub const NODE_NAME: &str = "workflows.argoproj.io/node-name";

/// On a pod: type of its node. Argo: `AnnotationKeyNodeType`.
pub const NODE_TYPE: &str = "workflows.argoproj.io/node-type";

/// On a pod: when its node began. Argo: `AnnotationKeyNodeStartTime`.
pub const NODE_START_TIME: &str = "workflows.argoproj.io/node-start-time";

/// On a service account: an expression over a login's claims that gives its rights. Argo: `AnnotationKeyRBACRule`.
pub const RBAC_RULE: &str = "workflows.argoproj.io/rbac-rule";

/// On a service account: the rule with the highest number is tried first. Argo: `AnnotationKeyRBACRulePrecedence`.
pub const RBAC_RULE_PRECEDENCE: &str = "workflows.argoproj.io/rbac-rule-precedence";

/// On a workflow: the due time for which its CronWorkflow started it. Argo: `AnnotationKeyCronWfScheduledTime`.
pub const SCHEDULED_TIME: &str = "workflows.argoproj.io/scheduled-time";

/// On a pod: name of its workflow. Argo: `AnnotationKeyWorkflowName`.
pub const WORKFLOW_NAME: &str = "workflows.argoproj.io/workflow-name";

/// On a pod: UID of its workflow. Argo: `AnnotationKeyWorkflowUID`.
pub const WORKFLOW_UID: &str = "workflows.argoproj.io/workflow-uid";

/// On a workflow: how its pods are named, `v1` or `v2`. Argo: `AnnotationKeyPodNameVersion`.
pub const POD_NAME_FORMAT: &str = "workflows.argoproj.io/pod-name-format";

/// On a pod: its progress, `N/M`. Argo: `AnnotationKeyProgress`.
pub const PROGRESS: &str = "workflows.argoproj.io/progress";

/// On a pod that deletes artifacts: the strategy it does so for. Argo: `AnnotationKeyArtifactGCStrategy`.
pub const ARTIFACT_GC_STRATEGY: &str = "workflows.argoproj.io/artifact-gc-strategy";

/// On a namespace: how many workflows run in it at the same time. Argo: `LabelParallelismLimit`.
pub const PARALLELISM_LIMIT: &str = "workflows.argoproj.io/parallelism-limit";

/// On a pod: when it is deleted, should its workflow be gone. Argo: `AnnotationKeyPodGCStrategy`.
pub const POD_GC_STRATEGY: &str = "workflows.argoproj.io/pod-gc-strategy";

/// On workflows and pods: the trace they belong to. Argo: `AnnotationKeyTraceID`.
pub const TRACE_ID: &str = "workflows.argoproj.io/trace-id";

/// On workflows and pods: their span in the trace. Argo: `AnnotationKeySpanID`.
pub const SPAN_ID: &str = "workflows.argoproj.io/span-id";

/// Which controller is responsible, where several share a cluster. Argo: `LabelKeyControllerInstanceID`.
pub const CONTROLLER_INSTANCE_ID: &str = "workflows.argoproj.io/controller-instanceid";

/// Who created it: the login's subject. Argo: `LabelKeyCreator`.
pub const CREATOR: &str = "workflows.argoproj.io/creator";

/// Who created it: the mail address. Argo: `LabelKeyCreatorEmail`.
pub const CREATOR_EMAIL: &str = "workflows.argoproj.io/creator-email";

/// Who created it: the name the user goes by. Argo: `LabelKeyCreatorPreferredUsername`.
pub const CREATOR_PREFERRED_USERNAME: &str = "workflows.argoproj.io/creator-preferred-username";

/// Who last acted on it: the login's subject. Argo: `LabelKeyActor`.
pub const ACTOR: &str = "workflows.argoproj.io/actor";

/// Who last acted on it: the mail address. Argo: `LabelKeyActorEmail`.
pub const ACTOR_EMAIL: &str = "workflows.argoproj.io/actor-email";

/// Who last acted on it: the name the user goes by. Argo: `LabelKeyActorPreferredUsername`.
pub const ACTOR_PREFERRED_USERNAME: &str = "workflows.argoproj.io/actor-preferred-username";

/// What the last actor did, such as `Suspend`. Argo: `LabelKeyAction`.
pub const ACTION: &str = "workflows.argoproj.io/action";

/// `true` on workflows and pods that have ended and need no more attention. Argo: `LabelKeyCompleted`.
pub const COMPLETED: &str = "workflows.argoproj.io/completed";

/// On a workflow: `Pending`, `Archived` or `Persisted`. Argo: `LabelKeyWorkflowArchivingStatus`.
pub const WORKFLOW_ARCHIVING_STATUS: &str = "workflows.argoproj.io/workflow-archiving-status";

/// On what belongs to a workflow: its name. Argo: `LabelKeyWorkflow`.
pub const WORKFLOW: &str = "workflows.argoproj.io/workflow";

/// On pods that serve a workflow: which part they are, such as `agent`. Argo: `LabelKeyComponent`.
pub const COMPONENT: &str = "workflows.argoproj.io/component";

/// On a workflow: its phase, to filter by. Argo: `LabelKeyPhase`.
pub const PHASE: &str = "workflows.argoproj.io/phase";

/// On a workflow: the one it was submitted again from. Argo: `LabelKeyPreviousWorkflowName`.
pub const PREVIOUS_WORKFLOW_NAME: &str = "workflows.argoproj.io/resubmitted-from-workflow";

/// On a workflow: the CronWorkflow that started it. Argo: `LabelKeyCronWorkflow`.
pub const CRON_WORKFLOW: &str = "workflows.argoproj.io/cron-workflow";

/// On a workflow: the WorkflowTemplate it was submitted from. Argo: `LabelKeyWorkflowTemplate`.
pub const WORKFLOW_TEMPLATE: &str = "workflows.argoproj.io/workflow-template";

/// On a workflow: the WorkflowEventBinding that started it. Argo: `LabelKeyWorkflowEventBinding`.
pub const WORKFLOW_EVENT_BINDING: &str = "workflows.argoproj.io/workflow-event-binding";

/// On a workflow: the ClusterWorkflowTemplate it was submitted from. Argo: `LabelKeyClusterWorkflowTemplate`.
pub const CLUSTER_WORKFLOW_TEMPLATE: &str = "workflows.argoproj.io/cluster-workflow-template";

/// On a pod: whether an exit handler runs it, which a stop doesn't end. Argo: `LabelKeyOnExit`.
pub const ON_EXIT: &str = "workflows.argoproj.io/on-exit";

/// On artifact deletion tasks: the pod that they are for. Argo: `LabelKeyArtifactGCPodHash`.
pub const ARTIFACT_GC_POD: &str = "workflows.argoproj.io/artifact-gc-pod";

/// On a task result: whether all outputs are in it. Argo: `LabelKeyReportOutputsCompleted`.
pub const REPORT_OUTPUTS_COMPLETED: &str = "workflows.argoproj.io/report-outputs-completed";

/// On a CronWorkflow: whether its stop strategy has ended it. Argo: `LabelKeyCronWorkflowCompleted`.
pub const CRON_WORKFLOW_COMPLETED: &str = "cronworkflows.argoproj.io/completed";

/// On a workflow: the backfill that started it. Argo: `LabelKeyCronWorkflowBackfill`.
pub const CRON_WORKFLOW_BACKFILL: &str = "workflows.argoproj.io/backfill";

/// A finalizer: keeps a workflow until its artifacts are deleted. Argo: `FinalizerArtifactGC`.
pub const FINALIZER_ARTIFACT_GC: &str = "workflows.argoproj.io/artifact-gc";

/// A finalizer: keeps a pod until its status has been read. Argo: `FinalizerPodStatus`.
pub const FINALIZER_POD_STATUS: &str = "workflows.argoproj.io/status";

/// On a ConfigMap: what it holds, one of the `CONFIG_MAP_TYPE_` words. Argo: `LabelKeyConfigMapType`.
pub const CONFIG_MAP_TYPE: &str = "workflows.argoproj.io/configmap-type";

/// A ConfigMap that is a cache. Argo: `LabelValueTypeConfigMapCache`.
pub const CONFIG_MAP_TYPE_CACHE: &str = "Cache";

/// A ConfigMap whose entries parameters may take. Argo: `LabelValueTypeConfigMapParameter`.
pub const CONFIG_MAP_TYPE_PARAMETER: &str = "Parameter";

/// A ConfigMap that describes an executor plugin. Argo: `LabelValueTypeConfigMapExecutorPlugin`.
pub const CONFIG_MAP_TYPE_EXECUTOR_PLUGIN: &str = "ExecutorPlugin";

/// On a template: the name to show for its nodes. Argo: `TemplateAnnotationDisplayName`.
pub const DISPLAY_NAME: &str = "workflows.argoproj.io/display-name";

/// On a ConfigMap of artifact repositories: the entry to use by default.
pub const DEFAULT_ARTIFACT_REPOSITORY: &str = "workflows.argoproj.io/default-artifact-repository";

/// On a workflow or template: a title to show, Markdown.
pub const TITLE: &str = "workflows.argoproj.io/title";

/// On a workflow or template: a text to show, Markdown.
pub const DESCRIPTION: &str = "workflows.argoproj.io/description";

/// On an executor plugin: the version of Argo that it needs.
pub const VERSION: &str = "workflows.argoproj.io/version";

/// On a pod: the command that ends one of its containers. Argo: `AnnotationKeyKillCmd`.
pub fn kill_command(container: &str) -> String {
    format!("workflows.argoproj.io/kill-cmd-{container}")
}
