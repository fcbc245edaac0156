void import('./desktop/main.ts')
