/** The languages whose texts are complete. The first is what others get. */
export const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

/** The first of the system's languages that there are texts for. */
export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = LANGUAGES.find(language => tag.toLowerCase().split('-')[0] === language)
    if (found !== undefined) return found
  }
  return LANGUAGES[0]
}

const wanted = typeof navigator === 'undefined' ? [] : navigator.languages
export const language = languageOf(wanted)
/** For dates and numbers: the region counts too, where it belongs to the language of the texts. */
export const locale = wanted.find(tag => tag.toLowerCase().split('-')[0] === language) ?? language

type Shape<T> = {
  [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...args: infer A) => string
      ? (...args: A) => string
      : Shape<T[K]>
}

/** The texts of one part, complete in every language; gives those of the system's. */
export function texts<const T>(all: { en: T } & { [L in Exclude<Language, 'en'>]: Shape<T> }): Shape<T> {
  return all[language] as Shape<T>
}

const rules = new Intl.PluralRules(locale)

/** `plural(1, 'circuit', 'circuits')` */
export function plural(count: number, one: string, other: string): string {
  return rules.select(count) === 'one' ? one : other
}
