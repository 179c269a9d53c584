#!/usr/bin/env bash
# Builds the public map's browser files with npm, unless they were built from what is there now.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../sync_service/publicmap"

stamp=node_modules/.built
export npm_config_update_notifier=false

wanted() {
    cat package.json package-lock.json build.js | sha256sum
}

main() {
    if [ -f "$stamp" ] && [ -d static/vendor ] && [ "$(wanted)" = "$(cat "$stamp")" ]; then
        return
    fi
    npm ci --no-audit --no-fund --loglevel=error
    npm run --silent build
    wanted >"$stamp"
}

exec 9<../../tools/frontend.sh
if command -v flock >/dev/null; then flock 9; fi
main
