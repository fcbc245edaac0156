/**
 * Switches that Electron documents, those of Chromium that people use to get a window onto their screen, and those
 * that starters add by themselves (debuggers, test drivers, installers, the second start on Windows). They always have the
 * form `--name` or `--name=value`. Any other flag that is not ours is an error, so that a mistyped limit does not
 * pass for one of Chromium's thousands.
 */
const ELECTRON = `auth-negotiate-delegate-whitelist auth-server-whitelist diagnostic-dir disable-http-cache disable-http2
  disable-ntlm-v2 disable-renderer-backgrounding disk-cache-size dns-result-order enable-logging
  experimental-network-inspector explicitly-allowed-ports force-fieldtrials force_high_performance_gpu
  force_low_power_gpu host-resolver-rules host-rules ignore-certificate-errors ignore-connections-limit inspect
  inspect-brk inspect-brk-node inspect-port inspect-publish-uid inspect-wait js-flags lang log-file log-net-log
  no-deprecation no-experimental-global-navigator no-proxy-server no-sandbox no-stdio-init proxy-bypass-list
  proxy-pac-url proxy-server remote-debugging-pipe remote-debugging-port throw-deprecation trace-deprecation
  trace-warnings use-system-ca v vmodule xdg-portal-required-version`

const SCREEN = `class disable-accelerated-2d-canvas disable-features disable-gpu disable-gpu-compositing
  disable-gpu-sandbox disable-hardware-acceleration disable-setuid-sandbox disable-software-rasterizer enable-features
  enable-gpu-rasterization enable-unsafe-swiftshader enable-wayland-ime force-color-profile force-dark-mode
  force-device-scale-factor force-prefers-reduced-motion force-renderer-accessibility gtk-version high-dpi-support
  headless in-process-gpu ozone-platform ozone-platform-hint password-store touch-events use-angle use-gl use-mock-keychain
  wayland-text-input-version`

const STARTERS = `allow-file-access-from-files disable-background-timer-throttling disable-dev-shm-usage force-run
  no-first-run original-process-start-time squirrel-firstrun test-type updated user-data-dir`

export const CHROMIUM_SWITCHES: ReadonlySet<string> = new Set(
  `${ELECTRON} ${SCREEN} ${STARTERS}`.split(/\s+/).map(name => `--${name}`)
)
