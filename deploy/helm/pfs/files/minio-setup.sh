# Makes the bucket and the account that pfs uses; MinIO's root account is used here alone. May be repeated: a changed
# AWS_SECRET_ACCESS_KEY is taken over. Bare sh: the image of mc has no other tools.
set -eu
until mc alias set store http://minio:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD"; do sleep 2; done
mc mb --ignore-existing store/pfs
mc admin policy create store pfs /setup/policy.json
mc admin user add store "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
case "$(mc --json admin user info store "$AWS_ACCESS_KEY_ID")" in
  *'"policyName":"pfs"'*) ;; # attaching once more is an error
  *) mc admin policy attach store pfs --user "$AWS_ACCESS_KEY_ID" ;;
esac
