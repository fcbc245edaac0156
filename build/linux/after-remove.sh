#!/bin/bash
# Runs as root after the package was removed, and during an update after the new one was installed: then all stays.
# dpkg says what happens, rpm how many versions are left.

case "$1" in
  remove | purge | 0) ;;
  *) exit 0 ;;
esac

# Only what is still ours.
if [ "$(readlink '/usr/bin/${executable}')" = '/opt/${sanitizedProductName}/resources/bin/waystation' ]; then
  rm -f '/usr/bin/${executable}'
fi

profile='/etc/apparmor.d/${executable}'
if [ -f "$profile" ]; then
  if apparmor_status --enabled >/dev/null 2>&1 && ! { [ -x /usr/bin/ischroot ] && /usr/bin/ischroot; }; then
    apparmor_parser --remove "$profile" || true
  fi
  rm -f "$profile"
fi

if hash update-desktop-database 2>/dev/null; then
  update-desktop-database /usr/share/applications || true
fi
