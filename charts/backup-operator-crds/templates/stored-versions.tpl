{{- /* A definition that no longer has a version in which objects are stored makes them unreadable: a rollback could do that. */}}
{{- $has := dict "backupstorages.backup.theforeman.org" (list "v1alpha1") "backups.backup.theforeman.org" (list "v1alpha1") "backupschedules.backup.theforeman.org" (list "v1alpha1") "restores.backup.theforeman.org" (list "v1alpha1") "restoredrills.backup.theforeman.org" (list "v1alpha1") }}
{{- range $name, $versions := $has }}
{{- range (dig "status" "storedVersions" (list) (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name)) }}
{{- if not (has . $versions) }}
{{- fail (printf "%s: the cluster stores objects as %s, which this chart does not have; install a newer chart" $name .) }}
{{- end }}
{{- end }}
{{- end }}
