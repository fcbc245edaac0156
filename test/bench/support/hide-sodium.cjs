/** Required before a program: its libsodium cannot be loaded, as on a platform that there is no binary for. */
const { dlopen } = process
process.dlopen = (module, file, ...rest) => {
  if (/sodium/.test(file)) throw new Error('hidden')
  return dlopen.call(process, module, file, ...rest)
}
