{{/* One operator per namespace: its Lease has a fixed name. So the release's name is no part of any other name either. */}}
{{- define "smart-proxy-operator.name" -}}
{{- .Values.fullnameOverride | default .Chart.Name -}}
{{- end }}

{{/* What a Service, a Deployment and a budget choose pods by: never changes. */}}
{{- define "smart-proxy-operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "smart-proxy-operator.labels" -}}
{{ include "smart-proxy-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: foreman-operators
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "smart-proxy-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "smart-proxy-operator.name" .) -}}
{{- end }}

{{- define "smart-proxy-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* "" is every namespace: what the operator may do there is a matter of its role bindings. */}}
{{- define "smart-proxy-operator.watched" -}}
{{- if eq .Values.scope "namespace" -}}{{ .Release.Namespace }}{{- end -}}
{{- end }}
