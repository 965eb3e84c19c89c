/** Light, dark and high contrast, as far as main has to do with them. */
import { nativeTheme } from 'electron'
import type { Theme } from '../../shared/contract/app'

/** `--bg` of theme/tokens.css: the window shows it until the page has painted. */
const BACKGROUND = { light: '#eef0f4', dark: '#101318', contrast: '#000000' }

/** What the system asks for. While a theme is chosen, `dark` follows that one. */
export const systemTheme = (): { dark: boolean; highContrast: boolean } => ({
  dark: nativeTheme.shouldUseDarkColors,
  highContrast: nativeTheme.shouldUseHighContrastColors,
})

/** Menus, scroll bars and dialogs of the system follow the chosen theme. */
export function applyTheme(theme: Theme): void {
  nativeTheme.themeSource = theme === 'contrast' ? 'dark' : theme
}

export function backgroundOf(theme: Theme): string {
  const { dark, highContrast } = systemTheme()
  if (theme === 'contrast' || (theme === 'system' && highContrast)) return BACKGROUND.contrast
  return dark ? BACKGROUND.dark : BACKGROUND.light
}

export function onSystemThemeChanged(
  listener: (theme: { dark: boolean; highContrast: boolean }) => void,
): void {
  nativeTheme.on('updated', () => listener(systemTheme()))
}
