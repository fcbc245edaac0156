import { app, BrowserWindow } from 'electron'
import { App } from '../app.ts'
void App
void app.whenReady().then(() => {
  new BrowserWindow()
  setTimeout(() => app.quit(), 1000)
})
