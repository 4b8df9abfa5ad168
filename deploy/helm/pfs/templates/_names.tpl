{{- define "pfs.labels" -}}
app.kubernetes.io/part-of: pfs
{{- end -}}

{{- define "pfs.settings" -}}
PFS_CATALOG: {{ if .Values.services.enabled }}postgresql://pfs@postgres/pfs{{ else }}{{ required "catalog.url is the URL of your PostgreSQL, or services.enabled is true" .Values.catalog.url }}{{ end }}
PFS_STORE: {{ if .Values.services.enabled }}s3://pfs/main?endpoint=http://minio.{{ .Release.Namespace }}:9000&region=us-east-1{{ else }}{{ required "store.url is the URL of your object store, or services.enabled is true" .Values.store.url }}{{ end }}
PFS_K8S_NAMESPACE: {{ .Values.workers.namespace }}
PFS_K8S_WORKER_IMAGE: {{ .Values.image }}
PFS_K8S_SERVICE_ACCOUNT: pfs-worker
PFS_K8S_STORE_SECRET: {{ .Values.store.secret }}
{{- with .Values.workers.userImage }}
PFS_K8S_USER_IMAGE: {{ . }}
{{- end }}
{{- with .Values.workers.security }}
PFS_K8S_SECURITY: {{ . }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}
