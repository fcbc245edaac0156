import { mount } from 'svelte'
import App from './App.svelte'
import './base.css'
import { createClient } from './client/client.ts'
import { createHttpCarrier } from './client/http.ts'
import { ipcCarrier } from './client/ipc.ts'
import { browserPage } from './client/browser-page.ts'
import { language } from './text/language.ts'

document.documentElement.lang = language
const bridge = window.waystation
const client =
  bridge === undefined
    ? createClient(createHttpCarrier(browserPage), { isDesktop: false })
    : createClient(ipcCarrier(bridge), { isDesktop: true })
const target = document.querySelector('#app')
if (target !== null) mount(App, { target, props: { client } })
