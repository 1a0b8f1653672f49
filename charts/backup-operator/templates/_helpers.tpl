{{/* One operator per namespace: its Lease has a fixed name. So the release's name is no part of any other name either. */}}
{{- define "backup-operator.name" -}}
{{- .Values.fullnameOverride | default .Chart.Name -}}
{{- end }}

{{/* What a Service, a Deployment and a budget choose pods by: never changes. */}}
{{- define "backup-operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "backup-operator.labels" -}}
{{ include "backup-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: foreman-operators
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "backup-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "backup-operator.name" .) -}}
{{- end }}

{{- define "backup-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* "" is every namespace: what the operator may do there is a matter of its role bindings. */}}
{{- define "backup-operator.watched" -}}
{{- if eq .Values.scope "namespace" -}}{{ .Release.Namespace }}{{- end -}}
{{- end }}
