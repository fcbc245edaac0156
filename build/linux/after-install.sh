#!/bin/bash
# Runs as root after the deb or rpm was unpacked. electron-builder fills in the names.

app='/opt/${sanitizedProductName}'

# The command, not the app's binary: it needs no display for `--no-gui` and the commands that speak to a node.
ln -sf "$app/resources/bin/waystation" '/usr/bin/${executable}'

# The sandbox: by user namespaces where the system allows them, else by the helper, which then must be setuid root.
if ! { [[ -L /proc/self/ns/user ]] && unshare --user true; } 2>/dev/null; then
  chmod 4755 "$app/chrome-sandbox" || true
else
  chmod 0755 "$app/chrome-sandbox" || true
fi

# Ubuntu 24.04 and later allow user namespaces only to programs that have an AppArmor profile which says so. Older
# versions cannot read this profile and need none.
if apparmor_status --enabled >/dev/null 2>&1; then
  if apparmor_parser --skip-kernel-load --debug "$app/resources/apparmor-profile" >/dev/null 2>&1; then
    cp -f "$app/resources/apparmor-profile" '/etc/apparmor.d/${executable}'
    if ! { [ -x /usr/bin/ischroot ] && /usr/bin/ischroot; }; then
      apparmor_parser --replace --write-cache --skip-read-cache '/etc/apparmor.d/${executable}' || true
    fi
  fi
fi

if hash update-desktop-database 2>/dev/null; then
  update-desktop-database /usr/share/applications || true
fi
