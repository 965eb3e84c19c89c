import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { connectRing } from './services/ring'
import './theme/tokens.css'
import './theme/base.css'
import './theme/controls.css'

connectRing().then(
  () => createApp(App).use(createPinia()).mount('#app'),
  (error: unknown) => {
    document.body.textContent = `Ring0 Lab cannot start: ${String(error)}`
  },
)
