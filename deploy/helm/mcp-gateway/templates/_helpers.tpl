{{- define "mcp-gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "mcp-gateway.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "mcp-gateway.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "mcp-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mcp-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mcp-gateway.labels" -}}
{{ include "mcp-gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mcp-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "mcp-gateway.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "mcp-gateway.configMapName" -}}
{{- default (include "mcp-gateway.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{/* More than one process may answer at a time. */}}
{{- define "mcp-gateway.replicated" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}true{{ end }}
{{- end }}

{{/* The secrets that become files below /run/secrets: name -> { secretName, key }. */}}
{{- define "mcp-gateway.secretFiles" -}}
{{- $files := deepCopy .Values.secretFiles }}
{{- with .Values.sessionKey }}
{{- if .secretName }}{{ $_ := set $files "session_key" (dict "secretName" .secretName "key" .key) }}{{ end }}
{{- end }}
{{- with .Values.metricsToken }}
{{- if .secretName }}{{ $_ := set $files "metrics_token" (dict "secretName" .secretName "key" .key) }}{{ end }}
{{- end }}
{{- toYaml $files }}
{{- end }}

{{/* The configuration as it is written: the values' `config`, or the published example where they have none. */}}
{{- define "mcp-gateway.given" -}}
{{- if .Values.config }}{{ toYaml .Values.config }}{{ else }}{{ .Files.Get "files/config.yaml" }}{{ end }}
{{- end }}

{{/* The gateway's configuration: what is written, with what the chart's other values say of it. */}}
{{- define "mcp-gateway.config" -}}
{{- $config := include "mcp-gateway.given" . | fromYaml }}
{{- $server := default dict $config.server }}
{{- if .Values.sessionKey.secretName }}{{ $_ := set $server "session_key" "${file:/run/secrets/session_key}" }}{{ end }}
{{- $metrics := default dict $config.metrics }}
{{- $_ := set $metrics "listen" (printf "0.0.0.0:%d" (int .Values.metricsPort)) }}
{{- if .Values.metricsToken.secretName }}{{ $_ := set $metrics "token" "${file:/run/secrets/metrics_token}" }}{{ end }}
{{- $_ := set $config "server" $server }}
{{- $_ := set $config "metrics" $metrics }}
{{- toYaml $config }}
{{- end }}

{{/* Seconds of a duration of the configuration: 500ms, 30s, 5m, 1h. Parts of a second count as a whole one. */}}
{{- define "mcp-gateway.seconds" -}}
{{- $text := toString . }}
{{- if hasSuffix "ms" $text }}{{ divf (trimSuffix "ms" $text | float64) 1000 | ceil | int }}
{{- else if hasSuffix "s" $text }}{{ trimSuffix "s" $text | float64 | ceil | int }}
{{- else if hasSuffix "m" $text }}{{ mulf (trimSuffix "m" $text | float64) 60 | ceil | int }}
{{- else if hasSuffix "h" $text }}{{ mulf (trimSuffix "h" $text | float64) 3600 | ceil | int }}
{{- else if eq $text "0" }}0
{{- else }}{{ fail (printf "config.server.shutdown: %q is not a duration such as 500ms, 30s or 5m" $text) }}
{{- end }}
{{- end }}

{{/* What the gateway may take to stop, and the margin. */}}
{{- define "mcp-gateway.terminationGracePeriodSeconds" -}}
{{- $shutdown := default dict (default dict (include "mcp-gateway.given" . | fromYaml).server).shutdown }}
{{- $drain := include "mcp-gateway.seconds" (default "5s" $shutdown.drain) | int }}
{{- $timeout := include "mcp-gateway.seconds" (default "60s" $shutdown.timeout) | int }}
{{- add $drain $timeout .Values.terminationMargin }}
{{- end }}

{{- define "mcp-gateway.check" -}}
{{- if and (include "mcp-gateway.replicated" .) (not .Values.sessionKey.secretName) (not .Values.existingConfigMap) }}
{{- fail "more than one replica needs sessionKey.secretName: without one key for all, a session opened by one is unknown to the others. Make one: kubectl create secret generic mcp-gateway-session --from-literal=session_key=$(openssl rand -base64 32)" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts, for example [{ host: mcp.example.com, paths: [/] }]" }}
{{- end }}
{{- if hasKey (default dict .Values.config.server) "port" }}
{{- fail "config.server.port: in the image MCP_GATEWAY_PORT decides; set containerPort" }}
{{- end }}
{{- end }}
